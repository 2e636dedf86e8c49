UPDATE rejected_events SET replayed_at = now() WHERE reject_id = ANY (%(reject_ids)s)
