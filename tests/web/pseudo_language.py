"""A language for tests alone: every text of the site stands between brackets, and runs from right to left.

Run as a program it is `commonweal` with this language offered too.
"""

from gettext import NullTranslations

from babel import Locale

from commonweal.web import languages
from commonweal.web.languages import Language

CODE = "ar-XB"


class _Bracketed(NullTranslations):
    def gettext(self, message: str) -> str:
        return f"⟦نص {message}⟧" if message else message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)


PSEUDO = Language(CODE, "نص", Locale("ar"), _Bracketed())

if __name__ == "__main__":
    from commonweal.cli import main

    languages.OFFERED[CODE] = PSEUDO
    main()
