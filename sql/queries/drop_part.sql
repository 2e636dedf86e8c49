DROP TABLE staging.{events}, staging.{rejects}
