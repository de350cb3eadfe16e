"""Abbreviations of compounds, and the formulas that they stand for.

Only those that no compound of the calculated and measured data has as its formula.
"""

import re

_COMPOUNDS = {
    "BBO": "BaB2O4",
    "BFO": "BiFeO3",
    "BGO": "Bi4Ge3O12",
    "BIT": "Bi4Ti3O12",
    "BNT": "Bi0.5Na0.5TiO3",
    "BSCCO": "Bi2Sr2CaCu2O8",
    "BSO": "Bi12SiO20",
    "BTO": "BaTiO3",
    "CBN": "BN",
    "CCTO": "CaCu3Ti4O12",
    "CFO": "CoFe2O4",
    "CIS": "CuInSe2 or CuInS2",
    "CNT": "C",
    "CTO": "CaTiO3 or Cd2SnO4",
    "CZTS": "Cu2ZnSnS4",
    "FTO": "SnO2",
    "GGG": "Gd3Ga5O12",
    "HAP": "Ca10(PO4)6(OH)2",
    "HBN": "BN",
    "ITO": "In2O3",
    "KBBF": "KBe2BO3F2",
    "KBT": "K0.5Bi0.5TiO3",
    "KDP": "KH2PO4",
    "KNN": "K0.5Na0.5NbO3",
    "KTO": "KTaO3",
    "KTP": "KTiOPO4",
    "LAO": "LaAlO3",
    "LBO": "LiB3O5",
    "LCO": "LiCoO2 or LaCoO3",
    "LFP": "LiFePO4",
    "LGPS": "Li10GeP2S12",
    "LLZO": "Li7La3Zr2O12",
    "LMO": "LiMn2O4 or LaMnO3",
    "LNO": "LiNbO3 or LaNiO3",
    "LTO": "Li4Ti5O12",
    "NBT": "Na0.5Bi0.5TiO3",
    "NMC": "LiNi0.333Mn0.333Co0.333O2",
    "NMC811": "LiNi0.8Mn0.1Co0.1O2",
    "PMN": "Pb(Mg0.3333Nb0.6667)O3",
    "PTFE": "C2F4",
    "PTO": "PbTiO3",
    "PVC": "C2H3Cl",
    "PVDF": "C2H2F2",
    "SBT": "SrBi2Ta2O9",
    "STO": "SrTiO3",
    "YAG": "Y3Al5O12",
    "YBCO": "YBa2Cu3O7",
    "YIG": "Y3Fe5O12",
}
# Superconductors by the amounts of their metals; as formulas, all of them would be one element.
_SUPERCONDUCTORS = {
    "Ba122": "BaFe2As2",
    "Bi2201": "Bi2Sr2CuO6",
    "Bi2212": "Bi2Sr2CaCu2O8",
    "Bi2223": "Bi2Sr2Ca2Cu3O10",
    "Hg1201": "HgBa2CuO4",
    "Hg1212": "HgBa2CaCu2O6",
    "Hg1223": "HgBa2Ca2Cu3O8",
    "La214": "La2CuO4",
    "Sr122": "SrFe2As2",
    "Sr214": "Sr2RuO4",
    "Tl1212": "TlBa2CaCu2O7",
    "Tl1223": "TlBa2Ca2Cu3O9",
    "Tl2201": "Tl2Ba2CuO6",
    "Tl2212": "Tl2Ba2CaCu2O8",
    "Tl2223": "Tl2Ba2Ca2Cu3O10",
    "Y123": "YBa2Cu3O7",
    "Y124": "YBa2Cu4O8",
    "Y211": "Y2BaCuO5",
}
_WITHOUT_AMOUNTS = {
    "BST": "(Ba,Sr)TiO3",
    "CIGS": "Cu(In,Ga)Se2",
    "KTN": "K(Ta,Nb)O3",
    "LSCF": "(La,Sr)(Co,Fe)O3",
    "LSMO": "(La,Sr)MnO3",
    "NCA": "Li(Ni,Co,Al)O2",
    "PLZT": "(Pb,La)(Zr,Ti)O3",
    "PZT": "Pb(Zr,Ti)O3",
    "SBN": "(Sr,Ba)Nb2O6",
    "YSZ": "(Zr,Y)O2",
}
_SEPARATORS = re.compile("[ _-]")


def abbreviated(text: str) -> list[str]:
    """Formulas that a text abbreviates.

    Examples
    --------
    >>> from cromel_sklearn.data.formula_abbreviations import abbreviated
    >>> abbreviated("KDP"), abbreviated("Bi-2212"), abbreviated("CO2")
    (['KH2PO4'], ['Bi2Sr2CaCu2O8'], [])
    """
    known = _COMPOUNDS.get(_in_capitals(text))
    known = known or _SUPERCONDUCTORS.get(_SEPARATORS.sub("", text))
    return known.split(" or ") if known else []


def abbreviated_without_amounts(text: str) -> str:
    """Solid solution that a text abbreviates, as ``(Ba,Sr)TiO3``; empty for others."""
    return _WITHOUT_AMOUNTS.get(_in_capitals(text), "")


def _in_capitals(text: str) -> str:
    return text.upper() if text.islower() else text
