ALTER TABLE orders ADD COLUMN customer TEXT NOT NULL DEFAULT '';
UPDATE orders SET customer = trim(first_name || ' ' || last_name);
ALTER TABLE orders DROP COLUMN first_name;
ALTER TABLE orders DROP COLUMN last_name;
