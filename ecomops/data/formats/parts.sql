-- added: orders as their lines add up, where exports loaded at different times each held some of these
WITH told AS (
  SELECT r.order_id, count(*) AS lines, count(o.order_line_id) AS olds, count(n.order_line_id) AS news,
    sum(r.line_paid_amount) AS paid, {reached}[max(list_position({reached}, r.line_status))] AS status,
    if(bool_and(r.line_refund_amount IS NOT NULL), sum(r.line_refund_amount), NULL) AS back,
    sum(o.line_paid_amount) AS old_paid, sum(n.line_paid_amount) AS new_paid
  FROM (FROM {order_lines} UNION ALL BY NAME SELECT NULL::DECIMAL(18,2) AS line_refund_amount,
    NULL::VARCHAR AS line_status WHERE false) AS r
  LEFT JOIN (FROM {order_lines} WHERE false UNION ALL BY NAME FROM {old_order_lines}) AS o USING (order_id, order_line_id)
  LEFT JOIN {new_order_lines} AS n USING (order_id, order_line_id)
  WHERE r.order_id IN (SELECT order_id::VARCHAR FROM {old_orders})
    AND r.order_id IN (SELECT order_id FROM {new_orders})
  GROUP BY r.order_id HAVING olds < lines OR news < lines)
SELECT {columns}
FROM {orders} AS w LEFT JOIN (told AS t
  JOIN (FROM {old_orders} UNION ALL BY NAME FROM {orders} WHERE false) AS o
    ON o.order_id = t.order_id AND o.paid_amount = t.old_paid
  JOIN (FROM {new_orders} UNION ALL BY NAME FROM {orders} WHERE false) AS n
    ON n.order_id = t.order_id AND n.paid_amount = t.new_paid)
  ON t.order_id = w.order_id;
-- counted: how many orders that changed, and of how many shipping and discounts may be incomplete
SELECT (SELECT count(*) FROM (SELECT * EXCLUDE _unsure FROM {rows} EXCEPT FROM {orders})), count_if(_unsure) FROM {rows};
-- lacking: the newest rows with what older ones say where their file lacks the column, and which values these are
SELECT w.* EXCLUDE (_old) REPLACE ({new}), concat_ws(chr(31), {by}) AS _stays FROM ({marked}) AS w
LEFT JOIN (SELECT {keys}, {old} FROM ({marked}) WHERE _old GROUP BY {keys}) AS o
  ON {same} WHERE w._old IS NOT TRUE;
-- stayed: in how many rows older values stay, with an example for each of the columns most concerned
SELECT (SELECT count(*) FROM {made} WHERE _stays <> ''), list(e) FROM (
  SELECT min(k || ': ' || s) AS e FROM (
    SELECT concat_ws(' · ', {keys}) AS k, unnest(string_split(_stays, chr(31))) AS s FROM {made} WHERE _stays <> '')
  GROUP BY split_part(s, ' = ', 1) ORDER BY count(*) DESC, e LIMIT 3);
-- spans: the rows whose cell of a date holds two days, with the first of these cells
SELECT count(*), list_slice(list_sort(list(DISTINCT cell)), 1, 3) FROM (
  SELECT {text} AS cell, regexp_extract_all({text}, '\d{{8}}|\d{{4}}-\d{{2}}-\d{{2}}') AS days FROM ({said}) WHERE ({note}) IS NULL)
WHERE length(days) = 2 AND days[1] <> days[2];
