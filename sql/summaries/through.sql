SELECT through_batch_id FROM summary_state WHERE summary = %(summary)s
