-- Several statements a line, comments, errors that do not stop the script.
CREATE TABLE t (a, b, c); INSERT INTO t VALUES (1, 'x', NULL), (2, 'y', 3.5), (3, x'616263', 1e100);
SELECT * FROM t; SELECT count(*), sum(a) FROM t;
SELECT nosuch FROM t; SELECT 'not reached';
SELEC 1;
/* a comment
   of two lines */ SELECT 'after a comment';
INSERT INTO t VALUES (77,
'multi;line
value', 5); SELECT b FROM t WHERE a = 77;
INSERT INTO t VALUES (9, 9, 9) RETURNING a + 1, b;
CREATE TABLE u (x UNIQUE); INSERT INTO u VALUES (1);
INSERT INTO u VALUES (1);
SELECT changes(), total_changes();
SELECT json_extract('{"a":[1,2]}', '$.a[1]'), printf('%.3f', 2.0 / 3), upper('é'), typeof(1.0), 1.0, 1e20, -0.0;
PRAGMA table_info(t); PRAGMA page_size; PRAGMA integrity_check;
SELECT 'unterminated at the end'
