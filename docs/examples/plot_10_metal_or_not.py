"""
Classes: metal or not
=====================

A classifier from a table of formulas and names of classes, with probabilities that one may believe.
"""

# %%
# Where the tables of MatBench are at hand (``CROMEL_DATA`` names their folder), 1,200 compounds of
# which experiments say whether they conduct as metals. Elsewhere, what textbooks say of some.

import os
from pathlib import Path

import pandas as pd

folder = os.environ.get("CROMEL_DATA")
if folder:
    path = Path(folder, "target", "is_metal.csv")
    table = pd.read_csv(path, keep_default_na=False).sample(1200, random_state=0)
    table["kind"] = table["is_metal"].map({1: "metal", 0: "nonmetal"})
else:
    metals = """
        NiAl Ni3Al CuZn Cu3Au FeAl TiAl Ti3Al CoAl Nb3Sn V3Si NbN TiN ZrN HfN VN TiC ZrC HfC TaC WC
        NbC MgB2 TiB2 ZrB2 LaB6 CeB6 LaNi5 SmCo5 Nd2Fe14B Fe3C Fe4N Cu5Zn8 TiNi Ti2Ni ZrV2 MgZn2
        MgCu2 Mg2Cu NaTl AuCu PtBi2 CoSi2 NiSi MoSi2 TiSi2 WSi2 Fe3Si MnSi RuO2 IrO2 ReO3 CrO2 MoO2
        WO2 SrRuO3 LaNiO3 NbSe2 TaS2 VSe2 TiTe2 NbS2 CoS2 Sr2RuO4 PdH LaH2 YH2 ThH2 GdH2 CeAl2
        UPt3 CeCu6 YCo5 AgZn AgCd CuBe PdIn PtAl2 AuAl2 RhSn"""
    nonmetals = """
        NaCl KBr LiF CsI MgO CaO SrO BaO ZnO CdO Al2O3 Ga2O3 In2O3 Y2O3 SiO2 GeO2 TiO2 ZrO2 HfO2
        SnO2 Nb2O5 Ta2O5 WO3 MoO3 V2O5 Cu2O NiO CoO MnO Fe2O3 Cr2O3 ZnS ZnSe ZnTe CdS CdSe CdTe HgS
        GaAs GaP GaN AlN AlP AlAs InP InAs InSb BN BP SiC B4C Si3N4 PbS PbSe PbTe SnS SnSe Bi2Te3
        Bi2Se3 Sb2Te3 Sb2S3 As2S3 CuInSe2 CuGaS2 AgGaS2 MoS2 WS2 MoSe2 WSe2 HfS2 ZrS2 SrTiO3 BaTiO3
        LiNbO3 PbTiO3 CaF2 MgF2 LaF3 AgCl AgBr CuCl PbI2 HgI2 BiI3 CsPbBr3"""
    known = {"metal": metals, "nonmetal": nonmetals}
    rows = [(formula, kind) for kind, formulas in known.items() for formula in formulas.split()]
    table = pd.DataFrame(rows, columns=["formula", "kind"])
table = table.sample(frac=1, random_state=0).reset_index(drop=True)
table["kind"].value_counts()

# %%
# Five folds; each composition stands once in this table. ``CroMELClassifier`` takes names as they
# are; two of its members keep this page quick.

import warnings

from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from cromel_sklearn import CroMELClassifier, CroMELTransformer

warnings.filterwarnings("ignore", ".* far outside what the model")  # of an element seen once
formulas, kind = table["formula"], table["kind"]
folds = StratifiedKFold(5, shuffle=True, random_state=0)
model = CroMELClassifier(members=["support_vectors", "element_trees"], random_state=0, verbose=0)
elements = CroMELTransformer(output="elements").set_output(transform="pandas")
fractions = elements.fit_transform(formulas).filter(like="fraction_")
probabilities = {
    "CroMELClassifier": cross_val_predict(
        model, formulas, kind, cv=folds, method="predict_proba"
    ),
    "trees on bare fractions": cross_val_predict(
        ExtraTreesClassifier(200, class_weight="balanced", random_state=0),
        fractions, kind, cv=folds, method="predict_proba",
    ),
}  # fmt: skip
is_metal = (kind == "metal").to_numpy()
for name, found in probabilities.items():
    score = balanced_accuracy_score(is_metal, found[:, 0] > 0.5)
    print(f"{name}: balanced accuracy {score:.3f}")

# %%
# Right and wrong on the left; on the right, whether a stated probability comes true. Points on the
# diagonal may be believed.

import matplotlib.pyplot as plt
from sklearn.calibration import CalibrationDisplay
from sklearn.metrics import ConfusionMatrixDisplay

figure, axes = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
stated = probabilities["CroMELClassifier"][:, 0]
named = ["metal" if chance > 0.5 else "nonmetal" for chance in stated]
ConfusionMatrixDisplay.from_predictions(kind, named, ax=axes[0], cmap="Blues", colorbar=False)
for name, found in probabilities.items():
    CalibrationDisplay.from_predictions(
        is_metal, found[:, 0], n_bins=5, strategy="quantile", name=name, ax=axes[1]
    )
axes[1].set(xlabel="stated probability of a metal", ylabel="share of metals")

# %%
# The compounds that it is most wrong about are worth a look: does the model err, or the table?

table.assign(chance_of_metal=stated.round(2), wrong_by=abs(is_metal - stated).round(2)).nlargest(
    8, "wrong_by"
)[["formula", "kind", "chance_of_metal"]]
