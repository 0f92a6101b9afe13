"""``python -m app.cli`` is ``perigee``: how one process of the program starts a command in another."""

from app.cli import main

if __name__ == "__main__":
    main()
