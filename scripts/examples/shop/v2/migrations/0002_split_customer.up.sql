-- The last word of the name becomes last_name, all before it first_name.
ALTER TABLE orders ADD COLUMN first_name TEXT NOT NULL DEFAULT '';
ALTER TABLE orders ADD COLUMN last_name TEXT NOT NULL DEFAULT '';
UPDATE orders SET first_name = rtrim(rtrim(customer, replace(customer, ' ', '')));
UPDATE orders SET last_name = ltrim(substr(customer, length(first_name) + 1));
ALTER TABLE orders DROP COLUMN customer;
