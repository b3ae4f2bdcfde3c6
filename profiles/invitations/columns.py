"""The headers that spreadsheets give to addresses and names, in the languages of members."""

from typing import NamedTuple

from profiles.directory.fold import fold


def folded(names: str) -> frozenset[str]:
    return frozenset(fold(name) for name in names.split(","))


ADDRESS = folded(
    "email,e-mail,mail,email address,e-mail address,mail address,primary email,email 1,"
    "e-mail 1 value,"
    "e-mail-adresse,emailadresse,mailadresse,adresse e-mail,adresse email,adresse mail,"
    "adresse électronique,courriel,correo,correo electrónico,dirección de correo,e-mailadres,"
    "endereço de e-mail,correio eletrônico,indirizzo e-mail,posta elettronica,e-post,e-postadresse,"
    "e-postadress,sähköposti,sähköpostiosoite,adres e-mail,poczta,e-mailová adresa,email cím,"
    "e-posta,e-posta adresi,электронная почта,почта,адрес электронной почты,ηλεκτρονική διεύθυνση,"
    "メール,メールアドレス,邮箱,电子邮件,電子郵件,البريد الإلكتروني,דואר אלקטרוני"
)
WHOLE = folded(
    "name,full name,display name,member,member name,name and surname,vollständiger name,mitglied,"
    "nom complet,nom,nom et prénom,prénom et nom,membre,nombre,nombre completo,nombre y apellidos,"
    "miembro,nome,nome completo,nome e cognome,membro,socio,naam,volledige naam,navn,fullt navn,"
    "namn,fullständigt namn,nimi,koko nimi,imię i nazwisko,jméno a příjmení,teljes név,név,"
    "ad soyad,имя,фио,имя и фамилия,ονοματεπώνυμο,氏名,名前,姓名,成员,الاسم,שם"
)
FIRST = folded(
    "first name,firstname,first names,given name,given names,forename,forenames,forename s,first,"
    "vorname,vornamen,prénom,prénoms,nombres,nome próprio,"
    "voornaam,fornavn,förnamn,etunimi,imię,jméno,keresztnév,ad,prenume,όνομα,名"
)
LAST = folded(
    "last name,lastname,surname,family name,last,nachname,familienname,zuname,nom de famille,"
    "apellido,apellidos,sobrenome,apelido,cognome,achternaam,etternavn,efternavn,efternamn,sukunimi,"
    "nazwisko,příjmení,vezetéknév,soyad,nume,фамилия,επώνυμο,姓"
)


class Columns(NamedTuple):
    """The numbers of the columns that are read, and the headers of the others."""

    address: int
    whole: int | None = None
    first: int | None = None
    last: int | None = None
    unused: tuple[str, ...] = ()

    def name(self, cells: list[str]) -> str:
        """The name in a row: from its own column, or its parts in the order of speech."""
        parts = (self.first, self.last) if self.whole is None else (self.whole,)
        found = [cells[part] for part in parts if part is not None and part < len(cells)]
        return " ".join(filter(None, found))


def columns_of(header: list[str]) -> Columns | None:
    """Return the columns that a row of headers names, or None if it is no such row.

    "Nom", "nombre" and "nome" are whole names, or the one half of which the other stands beside.
    """
    names = [fold(cell) for cell in header]
    if any("@" in cell for cell in header):
        return None
    address = first_of(names, ADDRESS)
    if address is None and sum(map(bool, names)) > 1:  # such as "E-mail (required)"
        address = next((i for i, name in enumerate(names) if ADDRESS & set(name.split())), None)
    if address is None:
        return None
    whole, first, last = (first_of(names, known) for known in (WHOLE, FIRST, LAST))
    if whole is not None and (first is None) != (last is None):
        first, last, whole = (whole, last, None) if first is None else (first, whole, None)
    elif first is not None and last is not None:
        whole = None
    used = {address, whole, first, last}
    unused = tuple(cell for i, cell in enumerate(header) if i not in used and cell)
    return Columns(address, whole, first, last, unused)


def first_of(names: list[str], known: frozenset[str]) -> int | None:
    return next((i for i, name in enumerate(names) if name in known), None)
