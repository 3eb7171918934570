-- What a wallet may pay a day and how often a minute, and what of it is used up. An older task goes on: it opens wallets
-- without limits, and counts nothing.

ALTER TABLE wallet
    ADD COLUMN day_no           INT    NOT NULL DEFAULT 0, -- days since 1970 by Brasília's clock, of the last payment
    ADD COLUMN day_out          BIGINT NOT NULL DEFAULT 0, -- paid and reserved on that day
    ADD COLUMN minute_no        INT    NOT NULL DEFAULT 0, -- minutes since 1970, of the last payment
    ADD COLUMN minute_count     INT    NOT NULL DEFAULT 0, -- payments in that minute
    ADD COLUMN day_out_max      BIGINT NULL,               -- NULL: no limit
    ADD COLUMN minute_count_max INT    NULL,
    ALGORITHM = INSTANT;
