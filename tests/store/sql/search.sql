CREATE TABLE doc (id INTEGER PRIMARY KEY, title TEXT, body TEXT);
CREATE VIRTUAL TABLE ft USING fts5(title, body, content = 'doc', content_rowid = 'id');
CREATE TRIGGER doc_put AFTER INSERT ON doc BEGIN
  INSERT INTO ft (rowid, title, body) VALUES (new.id, new.title, new.body);
END;
CREATE TRIGGER doc_drop AFTER DELETE ON doc BEGIN
  INSERT INTO ft (ft, rowid, title, body) VALUES ('delete', old.id, old.title, old.body);
END;
INSERT INTO doc (title, body) VALUES ('one', 'the quick brown fox'), ('two', 'jumps over the lazy dog'), ('three', 'nobody was told of the change');
SELECT rowid, title, snippet(ft, 1, '[', ']', '...', 3) FROM ft WHERE ft MATCH 'fox OR dog' ORDER BY rank, rowid;
DELETE FROM doc WHERE title = 'one'; SELECT count(*) FROM ft WHERE ft MATCH 'fox'; SELECT highlight(ft, 1, '<', '>') FROM ft WHERE ft MATCH 'told NEAR change';
INSERT INTO ft (ft) VALUES ('optimize'); INSERT INTO ft (ft) VALUES ('integrity-check');
SELECT * FROM ft WHERE ft MATCH '"unbalanced';
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO doc (title, body) SELECT 'n' || i, 'word' || (i % 17) || ' and word' || (i % 23) FROM n;
SELECT count(*) FROM ft WHERE ft MATCH 'word3 AND word5'; SELECT count(*) FROM ft WHERE ft MATCH 'word1*';
VACUUM; SELECT count(*) FROM ft WHERE ft MATCH 'word3 OR word5'; PRAGMA integrity_check;
