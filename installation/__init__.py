"""Installs the wheel as users do, into empty environments, and runs it: `make install-check`.

The locks are what this repository installs; users get the wheel, beside packages of their own. So
it is tried with the lowest versions that its ranges allow, with those of the lock, and with the
newest ones that there are today, on every supported Python that this machine has.
"""
