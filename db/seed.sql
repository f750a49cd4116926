-- Where every run begins: 5 workers and 10,000 pending jobs of all types,
-- priorities and ages. The same rows each time, but for the ages, which count
-- from now. Run after schema.sql, and again after each reset.

INSERT INTO workers (name)
SELECT 'worker-' || n FROM generate_series(1, 5) AS n;

-- Type, priority and age each take all their values, in no step with each other:
-- each type comes with each priority, and 7919 (a prime) spreads the 10,000 ages
-- of 1 to 10,000 seconds over them, each age once.
INSERT INTO jobs (type, payload, priority, created_at, updated_at)
SELECT
  (ARRAY['image_resize', 'send_email', 'generate_report',
         'process_payment', 'sync_inventory'])[1 + n * 7 % 5],
  jsonb_build_object('order', n, 'customer', 1 + n * 11 % 997),
  n * 13 / 5 % 10,
  age.at,
  age.at
FROM generate_series(1, 10000) AS n,
     LATERAL (SELECT now() - make_interval(secs => 1 + n * 7919 % 10000)) AS age(at)
ORDER BY n;
