SELECT day, product_id, views, carts, purchases, revenue, purchase_rate
FROM product_performance
WHERE day = (SELECT max(day) FROM product_performance)
ORDER BY revenue DESC, views DESC, product_id
LIMIT %(rows)s
