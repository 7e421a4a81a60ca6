"""Moving what one store holds into another: jobs, workflows, schedules and what holds for them."""
