UPDATE maintenance_state
   SET ids_through_batch_id = %(target)s, ids_reused = ids_reused + %(found)s, ids_looked_at = now()
