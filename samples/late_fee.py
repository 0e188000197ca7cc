"""How the late fee of a loan is worked out at the counter."""

FEE_PER_DAY = 2
DAYS_UNTIL_REPLACEMENT = 30


def late_fee(days_late: int, tools: int, replacement_price: int) -> int:
    """Two crowns a day and tool; from the thirtieth day on, the replacement price instead."""
    if days_late <= 0:
        return 0
    if days_late >= DAYS_UNTIL_REPLACEMENT:
        return replacement_price
    return FEE_PER_DAY * days_late * tools
