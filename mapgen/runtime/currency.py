"""The decimal places of currencies, as ISO 4217 and as payment services count them."""

from __future__ import annotations

from collections.abc import Mapping

_NO_PLACES = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE_PLACES = "BHD IQD JOD KWD LYD OMR TND"
_ALL = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP
    BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP
    GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR
    KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK
    MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR
    SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS
    UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG
"""

# ISO 4217: the places of each currency in use.
PLACES: Mapping[str, int] = (
    dict.fromkeys(_ALL.split(), 2)
    | dict.fromkeys(_NO_PLACES.split(), 0)
    | dict.fromkeys(_THREE_PLACES.split(), 3)
)

# Stripe counts otherwise in a few (https://docs.stripe.com/currencies): krónur and Ugandan
# shillings in hundredths though they have none, ariary whole. IQD, KPW and LYD it does not take, so
# that it is not known how it would count them. HUF and TWD are whole in payouts alone: charges have
# hundredths.
_NOT_TAKEN = ("IQD", "KPW", "LYD")
_STRIPE: Mapping[str, int] = {
    **{currency: places for currency, places in PLACES.items() if currency not in _NOT_TAKEN},
    "ISK": 2,
    "UGX": 2,
    "MGA": 0,
}

# Who counts minor units -> the places of each currency that is known there.
COUNTINGS: Mapping[str, Mapping[str, int]] = {"iso": PLACES, "stripe": _STRIPE}
