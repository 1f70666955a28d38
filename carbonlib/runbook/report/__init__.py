"""The report: pages that open without a network, cannot run what a payload brings, and say the verdict first."""
