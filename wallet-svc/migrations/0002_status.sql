-- Room in an entry for who acted and for what it is about; the kinds of entries are no longer a closed set.
-- An older task goes on: it names its columns, and what it does not know stays NULL.

ALTER TABLE entry
    ADD COLUMN actor VARBINARY(100) NULL, -- who acted, when it was not the wallet's user: freeze, unfreeze, close
    ALGORITHM = INSTANT;

ALTER TABLE entry DROP CONSTRAINT entry_kind;
