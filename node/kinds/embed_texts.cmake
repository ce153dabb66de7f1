# cmake -DOUT=file.c -DTEXTS=a.json;b.json -P embed_texts.cmake
# Writes the arrays that node/kinds/catalogue.h declares.
set(source "/* Generated from node/kinds/catalogue. */\n")
string(APPEND source "#include \"kinds/catalogue.h\"\n\n")
set(names "")
set(count 0)
foreach(text ${TEXTS})
  file(READ ${text} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND source
    "static const unsigned char text_${count}[] = {${bytes}0x00};\n")
  string(APPEND names "    text_${count},\n")
  math(EXPR count "${count} + 1")
endforeach()
string(APPEND source "\nconst unsigned char *const kinds_catalogue[] = {\n${names}};\n")
string(APPEND source "const size_t kinds_catalogue_count = ${count};\n")
file(WRITE ${OUT} "${source}")
