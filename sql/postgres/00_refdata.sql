-- refdata: the operational database of reference data. What it holds is what the desks maintain by hand.
CREATE DATABASE refdata;
