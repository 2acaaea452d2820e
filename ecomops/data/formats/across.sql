-- lines: each paid order beside the sum of its lines, with or without shipping
SELECT order_id AS shown, paid_amount AS l, s AS r, least(abs(s - paid_amount), abs(s - paid_amount + {fee})) AS gap
FROM {orders} JOIN (SELECT order_id AS id, sum(line_paid_amount) AS s FROM {lines} GROUP BY order_id
  HAVING count(*) = count(line_paid_amount)) ON id = order_id
WHERE paid_amount > 0 AND {status} NOT IN ('unpaid', 'closed_unpaid', 'presale_deposit');
-- sources: the visitors of all sources of a day beside the shop's
SELECT *, l - r AS gap FROM (
  SELECT date AS shown, sum(visitors) FILTER (level = 'shop' AND device = 'all') AS l,
    sum(visitors) FILTER (level = 'source' AND device = 'all') AS r FROM {traffic} GROUP BY date)
WHERE l IS NOT NULL AND r IS NOT NULL;
-- failed: how many rows there are, how many fail by how much, and the first of these
SELECT count(*), count(*) FILTER (gap > {most}), sum(gap) FILTER (gap > {most}),
  list_slice(list(shown || ': ' || l || ' ≠ ' || r ORDER BY shown) FILTER (gap > {most}), 1, 3) FROM ({both});
-- windows: the rows of ads whose attribution window is still open on the last day, and those that name none
SELECT count(*) FILTER (late), min(date) FILTER (late), max(date), max(attribution_window_days), sum({value}) FILTER (late),
  count(*) FILTER (attribution_window_days IS NULL)
FROM (SELECT *, coalesce(date > (SELECT max(date) FROM {rows}) - attribution_window_days::INT, false) AS late FROM {rows});
