"""The demonstration shop: an order fulfilment over three HTTP services, a background worker and one database."""
