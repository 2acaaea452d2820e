"""ecomops: plan, execute, analyse and optimise an online shop."""
