// What the pages do beyond links and forms: the renewed part is left alone while someone uses it, and numbers are drawn.
"use strict";

(() => {
  const live = document.getElementById("live");
  if (live) keepRenewed(live);
  const numbers = document.getElementById("chart-numbers");
  if (numbers) drawn(document.getElementById("chart"), JSON.parse(numbers.textContent));

  // ---------------------------------------------------------------- the part that htmx asks for again

  function keepRenewed(part) {
    const stale = document.getElementById("stale");
    const inUse = () => document.hidden || part.contains(document.activeElement) && document.activeElement.matches("input, select")
      || [...part.querySelectorAll("input[type=search]")].some((input) => input.value !== input.defaultValue);
    const isOld = () => { stale.hidden = false; };

    part.addEventListener("htmx:before:request", (event) => { if (inUse()) event.preventDefault(); });
    part.addEventListener("htmx:before:response", (event) => {
      const answer = event.detail.ctx.response.raw;
      stale.hidden = true; // it answers, if only that the state store cannot be used
      if (!answer.redirected && answer.status !== 401) return;
      event.preventDefault();
      location.reload(); // it asks for the token again
    });
    part.addEventListener("htmx:error", isOld);
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) part.dispatchEvent(new Event("renew"));
    });
  }

  // ---------------------------------------------------------------- a value over time

  function drawn(box, chart) {
    box.hidden = false;
    const here = Math.max(0, chart.paths.lastIndexOf(box.dataset.path));
    const read = box.querySelector(".read");
    const german = document.documentElement.lang === "de";
    const tell = (index) => {
      const number = german ? chart.numbers[index].replace(".", ",") : chart.numbers[index];
      read.textContent = `${chart.labels[index]}: ${number}`;
    };
    let plot = null;
    const draw = () => {
      plot?.destroy();
      plot = new uPlot(options(box, chart, here, tell), [chart.x, chart.y], box);
      plot.over.addEventListener("click", () => {
        if (plot.cursor.idx !== null) location.assign(`/value?path=${encodeURIComponent(chart.paths[plot.cursor.idx])}`);
      });
    };
    draw();
    new ResizeObserver(() => plot.setSize(size(box))).observe(box);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  }

  function size(box) {
    return { width: Math.max(200, box.clientWidth), height: box.clientWidth < 500 ? 220 : 300 };
  }

  function options(box, chart, here, tell) {
    const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const language = document.documentElement.lang;
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
    const figure = new Intl.NumberFormat(language, { maximumFractionDigits: 6 });
    const span = chart.x[chart.x.length - 1] - chart.x[0];
    const parts = span > 300 * 86400 ? { month: "short", year: "numeric" } : { day: "numeric", month: "short" };
    const date = new Intl.DateTimeFormat(language, { timeZone: "UTC", ...parts });
    return {
      ...size(box),
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false } },
      padding: [8, 16, 0, 0],
      scales: { x: { range: (_, low, high) => low === high ? [low - 86400, high + 86400] : [low, high] } },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      series: [
        {},
        { stroke: colour("--accent"), width: 2, spanGaps: true, points: { show: chart.x.length < 100, size: 6, fill: colour("--accent") } },
      ],
      axes: [
        { ...axis, grid: { show: false }, space: 64, size: 32, values: (_, ticks) => labelled(ticks, date) },
        { ...axis, size: 56, values: (_, ticks) => ticks.map((tick) => figure.format(tick)) },
      ],
      hooks: {
        setCursor: [(plot) => tell(plot.cursor.idx ?? here)],
        draw: [(plot) => ringed(plot, chart, here, colour("--text"))],
      },
    };
  }

  // The value that the page is about has a ring around it.
  function ringed(plot, chart, here, colour) {
    if (chart.y[here] === null) return;
    const ratio = uPlot.pxRatio;
    plot.ctx.beginPath();
    plot.ctx.arc(plot.valToPos(chart.x[here], "x", true), plot.valToPos(chart.y[here], "y", true), 7 * ratio, 0, 2 * Math.PI);
    plot.ctx.lineWidth = 2 * ratio;
    plot.ctx.strokeStyle = colour;
    plot.ctx.stroke();
  }

  // A day that has several ticks is named once.
  function labelled(ticks, date) {
    const names = ticks.map((seconds) => date.format(new Date(seconds * 1000)));
    return names.map((name, index) => name === names[index - 1] ? "" : name);
  }
})();
