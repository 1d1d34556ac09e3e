"""A tax platform to try against: it speaks Nuonuo's and Baiwang's wire formats and issues nothing.

Faithful where it decides something: signatures over exact bytes, one fapiao per order number, the
rules of amounts, delays, red forms with buyers and 72 hours, quota, a drawer who logs out, and
every way in which an answer can go missing. What it issued stands in a truth log. Its own clock can
be set. Its files (XML, PDF, OFD) open in any viewer and say what was ordered, marked 测试样张 and
unsigned: only the tax office can sign.

Error codes E9301 to E9305 are ours, for refusals whose codes Nuonuo does not publish.
"""
