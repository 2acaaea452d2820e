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
