//! change feed -> lexical and vector indexes; rebuildable, each with a cursor.
