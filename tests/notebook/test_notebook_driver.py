from __future__ import annotations


def test_notebook_walks_all_steps(driver, session):
    driver.drive(session)
    assert session.asked == list(session.step_aliases)
