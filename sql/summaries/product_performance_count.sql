SELECT count(*) FROM product_performance
