-- Which transactions were reversed. An older task goes on: it knows neither the column nor the table.

ALTER TABLE entry
    ADD COLUMN about BINARY(16) NULL, -- of a reversal: the transaction that it reverses
    ALGORITHM = INSTANT;

-- Read and written under the locks of the transaction's wallets; the primary key is the safety net.
CREATE TABLE reversal (
    txn_id      BINARY(16) NOT NULL, -- the reversed transaction
    reversal_id BINARY(16) NOT NULL, -- the transaction that reversed it
    at_us       BIGINT     NOT NULL,
    PRIMARY KEY (txn_id)
) ENGINE = InnoDB;
