-- What we charge, and wallets of our own for it. An older task goes on: it charges nothing, and takes any wallet of ours for a
-- settlement wallet.

ALTER TABLE entry
    ADD COLUMN fee BIGINT NULL, -- of `amount`, what went to us; negative when it was given back; NULL is 0
    ALGORITHM = INSTANT;

-- 2 is a revenue wallet.
ALTER TABLE wallet DROP CONSTRAINT wallet_kind;
