"""Connects to the emulator with Google's own connector for Python, in every way that it offers, and fails where one does
not work. Where the emulator is comes from the environment that run.ts sets; the Admin API is called by gRPC."""

import asyncio
import itertools
import os
import threading

import google.auth
import google.auth.transport.requests
from google.cloud.alloydbconnector import AsyncConnector, Connector

ENDPOINT = os.environ["ALLOYDB_EMULATOR_HOST"]
INSTANCE = os.environ["ALLOYDB_INSTANCE"]
IAM_USER = os.environ["ALLOYDB_IAM_USER"]

PASSWORD = {"user": "postgres", "password": "postgres"}
IAM = {"user": IAM_USER, "enable_iam_auth": True}
LOGINS = {"password": PASSWORD, "IAM": IAM}
REFRESHES = ["BACKGROUND", "LAZY"]
ADDRESSES = ["PRIVATE", "PUBLIC", "PSC"]


def login_token() -> str:
    credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/alloydb.login"])
    credentials.refresh(google.auth.transport.requests.Request())
    return credentials.token


def wait_for_threads() -> None:
    """The connector carries psycopg's bytes in threads, and one that is late says goodbye by TLS on a file descriptor that
    the next connection has got: PostgreSQL then finds a TLS record where it wants a startup message."""
    for thread in threading.enumerate():
        if "forward" in thread.name or "_accept_and_proxy" in thread.name:
            thread.join(timeout=5)


def expect(who: str, user: str, *how: str) -> None:
    assert who == user, f"{how}: is {who!r}, not {user!r}"
    print("connected:", ", ".join(how))


def expect_failure(connect, part: str) -> None:
    try:
        connect()
    except Exception as error:
        assert part in str(error), f"expected {part!r} in: {error}"
        print("refused, as expected:", part)
    else:
        raise AssertionError(f"expected a failure with {part!r}")


def connect_sync(driver: str, refresh: str) -> None:
    with Connector(alloydb_api_endpoint=ENDPOINT, refresh_strategy=refresh) as connector:

        def ask(login: dict, address: str = "PRIVATE", instance: str = INSTANCE) -> str:
            connection = connector.connect(instance, driver, db="postgres", ip_type=address, **login)
            try:
                cursor = connection.cursor()
                cursor.execute("select current_user")
                return cursor.fetchone()[0]
            finally:
                connection.close()
                wait_for_threads()

        for address, (name, login) in itertools.product(ADDRESSES, LOGINS.items()):
            expect(ask(login, address), login["user"], driver, refresh, address, name)
        token = {"user": IAM_USER, "password": login_token()}
        expect(ask(token), IAM_USER, driver, refresh, "token as password")
        expect_failure(lambda: ask(PASSWORD | {"password": "wrong"}), "password authentication failed")
        expect_failure(lambda: ask(PASSWORD, instance=INSTANCE + "-that-is-not-there"), "was not found")


async def connect_async(refresh: str) -> None:
    async with AsyncConnector(alloydb_api_endpoint=ENDPOINT, refresh_strategy=refresh) as connector:
        for address, (name, login) in itertools.product(ADDRESSES, LOGINS.items()):
            connection = await connector.connect(INSTANCE, "asyncpg", db="postgres", ip_type=address, **login)
            who = await connection.fetchval("select current_user")
            await connection.close()
            expect(who, login["user"], "asyncpg", refresh, address, name)


for refresh in REFRESHES:
    for driver in ["pg8000", "psycopg"]:
        connect_sync(driver, refresh)
    asyncio.run(connect_async(refresh))
