-- marked: every line of the file, its amount, what it is, whether it is no product
SELECT *, (unit_price * quantity)::DECIMAL(18,4) AS amount,
  CASE WHEN upper(invoice) LIKE 'C%' THEN 'cancellation'
       WHEN quantity IS NULL OR unit_price IS NULL OR "at" IS NULL THEN 'unreadable_row'
       WHEN quantity <= 0 THEN 'stock_correction'
       WHEN unit_price = 0 THEN 'zero_price'
       WHEN unit_price < 0 THEN 'bad_debt' ELSE 'sale' END AS kind,
  coalesce(regexp_matches(product_id, '(?i)^(AMAZONFEE|ADJUST2?|B|BANK CHARGES|C2|C3|CRUK|D|DOT|M|PADS|POST|S|TEST\d*|SP1002|DCGS.*|GIFT_.*)$'), false) AS fee
FROM (FROM {rows} UNION ALL BY NAME SELECT NULL::VARCHAR AS product_id, NULL::VARCHAR AS product_name,
  NULL::BIGINT AS quantity, NULL::TIMESTAMP AS "at", NULL::DECIMAL(18,4) AS unit_price,
  NULL::VARCHAR AS customer_id, NULL::VARCHAR AS country WHERE false);

-- orders: one row per invoice with a sale
SELECT invoice AS order_id, max(customer_id) AS customer_id, min("at") AS created_at,
  min("at") AS paid_at, 'completed' AS order_status, sum(quantity)::BIGINT AS item_count,
  count(DISTINCT product_id) AS sku_kind_count, sum(amount)::DECIMAL(18,4) AS list_amount,
  sum(amount)::DECIMAL(18,4) AS paid_amount, max(country) AS receiver_province,
  min(_row) AS _row, max(_file) AS _file, min(_source) AS _source, min(_format) AS _format,
  min(_platform) AS _platform
FROM {rows} WHERE kind = 'sale' GROUP BY invoice;

-- order_lines: one row per line sold
SELECT invoice || '-' || row_number() OVER (PARTITION BY invoice ORDER BY _file, _row) AS order_line_id,
  invoice AS order_id, product_id, product_id AS sku_code, product_name, quantity,
  unit_price::DECIMAL(18,4) AS unit_price, amount AS line_list_amount, amount AS line_paid_amount,
  'completed' AS line_status, "at" AS created_at, "at" AS paid_at,
  _row, _file, _source, _format, _platform
FROM {rows} WHERE kind = 'sale';

-- refunds: one row per cancelled invoice
SELECT invoice AS refund_id, 'cancellation' AS refund_type, 'refunded' AS refund_status,
  min("at") AS applied_at, min("at") AS refunded_at, (-sum(amount))::DECIMAL(18,4) AS refund_amount,
  min(_row) AS _row, max(_file) AS _file, min(_source) AS _source, min(_format) AS _format,
  min(_platform) AS _platform
FROM {rows} WHERE kind = 'cancellation' GROUP BY invoice;

-- products: one row per stock code under its most frequent name, ties by alphabet
SELECT product_id, product_name, CASE WHEN fee THEN 'not_a_product' ELSE 'product' END AS status,
  _row, _file, _source, _format, _platform
FROM (SELECT product_id, product_name, count(*) AS n, any_value(fee) AS fee, min(_row) AS _row,
        max(_file) AS _file, min(_source) AS _source, min(_format) AS _format,
        min(_platform) AS _platform
      FROM {rows} WHERE kind = 'sale' GROUP BY product_id, product_name)
QUALIFY row_number() OVER (PARTITION BY product_id
  ORDER BY product_name IS NULL, n DESC, product_name) = 1;

-- customers: one row per known customer
SELECT customer_id, max(country) AS province, min(_row) AS _row, max(_file) AS _file,
  min(_source) AS _source, min(_format) AS _format, min(_platform) AS _platform
FROM {rows} WHERE kind = 'sale' AND customer_id IS NOT NULL GROUP BY customer_id;

-- repeated: how many lines are exact copies of another
SELECT coalesce(sum(n), 0) FROM (SELECT count(*) - 1 AS n FROM {rows}
  GROUP BY invoice, product_id, product_name, quantity, "at", unit_price, customer_id, country);
