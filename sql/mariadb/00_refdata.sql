-- refdata: the contracts system. Codes compare by their bytes: CLF27 and clf27 are two contracts, as they are everywhere else.
CREATE DATABASE refdata CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
