-- movements: each row of a ledger, what it says was given back or kept as a fee as rows of their own
WITH told AS (
  SELECT s.* REPLACE (
      CASE WHEN l.kind = '支出' THEN -abs(s.amount) ELSE s.amount END AS amount,
      coalesce(s.currency, max(s.currency) OVER (PARTITION BY s._file)) AS currency),
    l.kind, l.state, l.back, l.back_at, l.fee
  FROM (FROM {rows} UNION ALL BY NAME SELECT NULL::VARCHAR AS entry_id,
    NULL::VARCHAR AS entry_type_raw, NULL::VARCHAR AS currency WHERE false) AS s
  LEFT JOIN (FROM {side} UNION ALL BY NAME SELECT NULL::VARCHAR AS kind, NULL::VARCHAR AS state,
    NULL::DECIMAL(18,2) AS back, NULL::TIMESTAMP AS back_at, NULL::DECIMAL(18,2) AS fee WHERE false) AS l
  ON s._file = l._file AND s._row = l._row)
FROM told
UNION ALL SELECT * REPLACE ((-back)::DECIMAL(18,2) AS amount, 'refund' AS entry_type_raw,
  entry_id || '-refund' AS entry_id, coalesce(back_at, posted_at) AS posted_at)
FROM told WHERE back > 0
UNION ALL SELECT * REPLACE ((-fee)::DECIMAL(18,2) AS amount, 'fee' AS entry_type_raw,
  entry_id || '-fee' AS entry_id)
FROM told WHERE fee > 0;
