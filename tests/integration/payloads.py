"""Two hundred texts that would change a database if any of them were ever taken for SQL."""

from __future__ import annotations

_BREAKS = (
    "'",
    "''",
    '"',
    "`",
    ")",
    "')",
    '")',
    "\\'",
    "';",
    "$$",
    "*/",
    "L1",
    "L1' --",
    "0",
    "%27",
    "\u02bc",
    "L\n1'",
    "\0'",
)
_ORDERS = (
    "; DROP TABLE production; --",
    "; DELETE FROM production; COMMIT; --",
    " OR '1'='1",
    " OR 1=1 #",
    " UNION SELECT table_name FROM information_schema.tables --",
    "; UPDATE production SET qty = 0 WHERE 1=1; /*",
    " AND pg_sleep(0) IS NOT NULL; INSERT INTO production VALUES (9) --",
    "||(SELECT 1 FROM production)||",
    " INTO OUTFILE 'x' --",
    "%(from)s :from {0} %s ?",
    "::text; TRUNCATE production; --",
)

PAYLOADS: tuple[str, ...] = (
    *(f"{opening}{order}" for opening in _BREAKS for order in _ORDERS),
    "'; EXEC xp_cmdshell('dir'); --",
    "Robert'); DROP TABLE production;--",
    "1; SELECT pg_terminate_backend(1)",
)
