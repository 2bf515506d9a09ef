"""Words for units and units for words: a reader, a language-supervised model, says how well words fit images.

`vocabulary` and `words`: which words, and how a reader reads them. `matching`: how alike a unit and a word are over a data
set. `naming`: the words of every unit of a site. `search`: the units of a text. The reader's view of the images is the
activation index of its own `head.embedding`, so a data set is read once for all of them. `purity`: which units follow
what is known of the scenes. `abstract`: how abstract the names are.
"""
