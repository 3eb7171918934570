-- The ledger. MariaDB 10.11 and MySQL 8 take it alike.
-- Amounts are minor units of the row's currency; `…_us` are microseconds since 1970 by the database's clock.

-- A wallet as it stands. Everything here can be computed again from its entries.
CREATE TABLE wallet (
    wallet_id  BINARY(16)       NOT NULL,
    user_id    VARBINARY(100)   NOT NULL, -- empty for settlement wallets
    currency   BINARY(3)        NOT NULL,
    kind       TINYINT UNSIGNED NOT NULL, -- 0 customer, 1 settlement
    status     TINYINT UNSIGNED NOT NULL, -- 0 active, 1 frozen, 2 closed
    available  BIGINT           NOT NULL,
    held       BIGINT           NOT NULL,
    floor      BIGINT           NOT NULL,
    version    BIGINT           NOT NULL, -- count of entries, without a gap
    last_at_us BIGINT           NOT NULL,
    last_hash  BINARY(32)       NOT NULL,
    created_us BIGINT           NOT NULL,
    PRIMARY KEY (wallet_id),
    KEY wallet_user (user_id),
    CONSTRAINT wallet_kind CHECK (kind <= 1),
    CONSTRAINT wallet_status CHECK (status <= 2),
    CONSTRAINT wallet_covered CHECK (available >= floor),
    CONSTRAINT wallet_held CHECK (held >= 0),
    CONSTRAINT wallet_version CHECK (version >= 1)
) ENGINE = InnoDB;

-- One line of one wallet's history: event and posting in one. Never updated.
CREATE TABLE entry (
    wallet_id       BINARY(16)        NOT NULL,
    at_us           BIGINT            NOT NULL, -- strictly increasing for each wallet
    version         BIGINT            NOT NULL, -- 1, 2, 3, … for each wallet
    kind            TINYINT UNSIGNED  NOT NULL, -- ledger/entry.rs
    currency        BINARY(3)         NOT NULL,
    amount          BIGINT            NOT NULL, -- negative when money left the wallet
    available_after BIGINT            NOT NULL,
    held_after      BIGINT            NOT NULL,
    txn_id          BINARY(16)        NOT NULL, -- UUIDv7 of at_us; both sides of a transfer share it
    counterparty    BINARY(16)        NULL,
    batch_id        BIGINT UNSIGNED   NOT NULL,
    idx             SMALLINT UNSIGNED NOT NULL,
    hash            BINARY(32)        NOT NULL, -- over the entry before and this one
    description     VARBINARY(2000)   NULL,
    PRIMARY KEY (wallet_id, at_us),
    KEY entry_batch (batch_id, idx),
    KEY entry_txn (txn_id),
    CONSTRAINT entry_kind CHECK (kind <= 5),
    CONSTRAINT entry_version CHECK (version >= 1),
    CONSTRAINT entry_held CHECK (held_after >= 0)
) ENGINE = InnoDB
PARTITION BY RANGE (at_us) (
    PARTITION p_before VALUES LESS THAN (1793491200000000),
    PARTITION p202611 VALUES LESS THAN (1796083200000000),
    PARTITION p202612 VALUES LESS THAN (1798761600000000),
    PARTITION p202701 VALUES LESS THAN (1801440000000000),
    PARTITION p202702 VALUES LESS THAN (1803859200000000),
    PARTITION p202703 VALUES LESS THAN (1806537600000000),
    PARTITION p202704 VALUES LESS THAN (1809129600000000),
    PARTITION p202705 VALUES LESS THAN (1811808000000000),
    PARTITION p202706 VALUES LESS THAN (1814400000000000),
    PARTITION p202707 VALUES LESS THAN (1817078400000000),
    PARTITION p202708 VALUES LESS THAN (1819756800000000),
    PARTITION p202709 VALUES LESS THAN (1822348800000000),
    PARTITION p202710 VALUES LESS THAN (1825027200000000),
    PARTITION p202711 VALUES LESS THAN (1827619200000000),
    PARTITION p202712 VALUES LESS THAN (1830297600000000),
    PARTITION p_max VALUES LESS THAN (MAXVALUE)
);

-- What each idempotency key of a wallet stands for. Found by the primary key only, under the wallet's lock.
CREATE TABLE idem (
    wallet_id    BINARY(16)       NOT NULL,
    idem_key     BINARY(16)       NOT NULL, -- first half of the SHA-256 of the client's key
    request_hash BINARY(8)        NOT NULL,
    at_us        BIGINT           NOT NULL, -- of the entry when done
    outcome      TINYINT UNSIGNED NOT NULL, -- 0 done, else the refusal's number
    PRIMARY KEY (wallet_id, idem_key)
) ENGINE = InnoDB;

-- One marker for each batch that is not published yet. Taken after the wallets' locks, so that for any
-- one wallet the order of markers is the order of versions. Published means deleted.
CREATE TABLE outbox (
    batch_id  BIGINT UNSIGNED   NOT NULL AUTO_INCREMENT,
    n         SMALLINT UNSIGNED NOT NULL, -- entries in the batch
    min_at_us BIGINT            NOT NULL,
    max_at_us BIGINT            NOT NULL,
    PRIMARY KEY (batch_id)
) ENGINE = InnoDB;

-- Written once a second by each task, to learn whether the database takes writes.
CREATE TABLE heartbeat (
    slot  TINYINT UNSIGNED NOT NULL,
    at_us BIGINT           NOT NULL,
    PRIMARY KEY (slot)
) ENGINE = InnoDB;
