"""Any experiment of the registry on a page: where the pages stand, forms of requests, drawings of results, links.

What belongs here knows experiments only by what the registry says of them."""
