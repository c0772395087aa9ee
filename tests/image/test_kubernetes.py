"""The manifests for Kubernetes: one story with the image and the program, and nothing in them may write or rise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_lines import parse

from kpisync import __version__
from kpisync.config.schema import ServeOptions
from kpisync.errors import Exit

ROOT = Path(__file__).parent.parent.parent
FILES = sorted((ROOT / "config" / "kubernetes").glob("*.yaml"))
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
FOUND: list[dict[str, Any]] = [
    document for file in FILES for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))
]


def one(kind: str) -> Any:
    (found,) = (document for document in FOUND if document["kind"] == kind)
    return found


DAEMON = one("Deployment")["spec"]
ONCE = one("CronJob")["spec"]
PODS: list[dict[str, Any]] = [DAEMON["template"]["spec"], ONCE["jobTemplate"]["spec"]["template"]["spec"]]
CONTAINERS: list[dict[str, Any]] = [container for pod in PODS for container in pod["containers"]]


def test_all_that_the_page_promises_is_there() -> None:
    assert [file.name for file in FILES] == ["cronjob.yaml", "deployment.yaml", "service.yaml"]
    assert {document["kind"] for document in FOUND} == {"CronJob", "Deployment", "PersistentVolumeClaim", "Service"}


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda each: " ".join(each["args"]))
def test_a_command_in_it_can_be_typed(container: dict[str, Any]) -> None:
    assert "command" not in container, "the entry point of the image is the program"
    parse(container["args"])


def test_the_image_is_that_of_this_version() -> None:
    assert {container["image"] for container in CONTAINERS} == {f"kpisync:{__version__}"}


def test_every_variable_is_one_that_the_page_explains() -> None:
    named = {variable["name"] for container in CONTAINERS for variable in container["env"]}
    assert named
    assert [name for name in named if f"`{name}`" not in PAGE] == []


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda each: " ".join(each["args"]))
def test_what_the_image_writes_and_reads_is_mounted(container: dict[str, Any]) -> None:
    mounted = {mount["mountPath"]: mount.get("readOnly", False) for mount in container["volumeMounts"]}
    assert mounted == {"/config": True, "/run/secrets": True, "/data": False, "/tmp": False}
    assert re.search(r"KPISYNC_CONFIG=/config/\S+", DOCKERFILE)
    assert re.search(r"KPISYNC_STATE=sqlite:////data/\S+", DOCKERFILE)
    assert not any("subPath" in mount for mount in container["volumeMounts"]), "changes would never arrive"


@pytest.mark.parametrize("pod", PODS, ids=lambda each: " ".join(each["containers"][0]["args"]))
def test_every_mount_has_its_volume_and_every_claim_is_made(pod: dict[str, Any]) -> None:
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["name"] for container in pod["containers"] for mount in container["volumeMounts"]}
    assert mounts == set(volumes)
    assert volumes["data"]["persistentVolumeClaim"]["claimName"] == one("PersistentVolumeClaim")["metadata"]["name"]
    head = (ROOT / "config" / "kubernetes" / "deployment.yaml").read_text(encoding="utf-8").partition("apiVersion")[0]
    assert f"configmap {volumes['config']['configMap']['name']} " in head
    assert f"secret generic {volumes['secrets']['secret']['secretName']} " in head


@pytest.mark.parametrize("pod", PODS, ids=lambda each: " ".join(each["containers"][0]["args"]))
def test_no_pod_may_write_outside_its_volumes_or_rise(pod: dict[str, Any]) -> None:
    user = int(re.findall(r"^USER (\d+):", DOCKERFILE, re.MULTILINE)[-1])
    assert pod["automountServiceAccountToken"] is False
    context = pod["securityContext"]
    assert (context["runAsNonRoot"], context["runAsUser"], context["fsGroup"]) == (True, user, user)
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_the_probes_ask_what_needs_no_token() -> None:
    (container,) = DAEMON["template"]["spec"]["containers"]
    asked = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
    assert asked == {"startup": "/livez", "liveness": "/livez", "readiness": "/readyz"}
    (port,) = container["ports"]
    assert port["containerPort"] == ServeOptions().port
    assert {container[f"{name}Probe"]["httpGet"]["port"] for name in asked} == {port["name"]}


def test_the_service_leads_to_the_daemon_alone() -> None:
    service = one("Service")["spec"]
    labels = DAEMON["template"]["metadata"]["labels"]
    assert service["selector"].items() <= labels.items()
    assert DAEMON["selector"]["matchLabels"].items() <= labels.items()
    once = ONCE["jobTemplate"]["spec"]["template"]["metadata"]["labels"]
    assert not service["selector"].items() <= once.items(), "a run of the CronJob has no page"
    assert [port["targetPort"] for port in service["ports"]] == [CONTAINERS[0]["ports"][0]["name"]]


def test_two_daemons_never_share_a_disk() -> None:
    assert (DAEMON["replicas"], DAEMON["strategy"]["type"]) == (1, "Recreate")
    assert one("PersistentVolumeClaim")["spec"]["accessModes"] == ["ReadWriteOnce"]


def test_the_daemon_has_time_to_end() -> None:
    assert DAEMON["template"]["spec"]["terminationGracePeriodSeconds"] > 10


def test_a_run_is_not_started_twice_and_says_its_zone() -> None:
    assert ONCE["concurrencyPolicy"] == "Forbid"
    assert "/" in ONCE["timeZone"]
    assert ONCE["startingDeadlineSeconds"] >= 600


def test_a_run_is_tried_again_only_where_that_helps() -> None:
    spec = ONCE["jobTemplate"]["spec"]
    (stop,) = (rule for rule in spec["podFailurePolicy"]["rules"] if rule["action"] == "FailJob")
    given = set(stop["onExitCodes"]["values"])
    signals = {Exit.SIGINT, Exit.SIGTERM}
    assert given <= {int(code) for code in Exit}
    assert {int(code) for code in Exit} - given - signals == {Exit.OK, Exit.UNUSABLE, Exit.LOCKED, Exit.STATE}
    assert spec["template"]["spec"]["restartPolicy"] == "Never", "a rule for exit codes needs it"
    assert spec["backoffLimit"] > 0


def test_no_manifest_holds_a_secret() -> None:
    for file in FILES:
        assert not re.search(
            r"(password|token)\s*[:=]\s*[\w'\"](?!\$)", re.sub(r"^#.*$", "", file.read_text(), flags=re.M)
        )
