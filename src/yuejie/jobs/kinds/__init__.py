"""The kinds of work: what each is asked for, its pieces, and the verb that does one."""
