-- Money reserved for later. An older task goes on: it writes no holds, and keeps `wallet.held` as it is.

ALTER TABLE entry
    ADD COLUMN held_change BIGINT NULL, -- NULL: what is held stayed as it was
    ALGORITHM = INSTANT;

-- Read and written under the wallet's lock. What is held of a wallet is what remains of its open holds.
CREATE TABLE hold (
    wallet_id  BINARY(16)       NOT NULL,
    hold_id    BINARY(16)       NOT NULL, -- the transaction that authorized it
    to_wallet  BINARY(16)       NULL,     -- who gets what is captured; NULL: it leaves
    amount     BIGINT           NOT NULL,
    captured   BIGINT           NOT NULL,
    state      TINYINT UNSIGNED NOT NULL, -- 0 open, 1 captured, 2 voided, 3 expired
    expires_us BIGINT           NOT NULL, -- from then on nothing is captured any more
    created_us BIGINT           NOT NULL,
    PRIMARY KEY (wallet_id, hold_id),
    KEY hold_expiry (state, expires_us),
    CONSTRAINT hold_amount CHECK (amount > 0),
    CONSTRAINT hold_captured CHECK (captured >= 0 AND captured <= amount),
    CONSTRAINT hold_state CHECK (state <= 3)
) ENGINE = InnoDB;
