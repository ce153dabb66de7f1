# The catalogue of record kinds becomes a C array in the daemon. Included by
# node/CMakeLists.txt; each JSON file of catalogue/ is one text.
set(ENT_KINDS_DIR ${CMAKE_CURRENT_LIST_DIR})

# ent_embed_catalogue(target)
function(ent_embed_catalogue target)
  file(GLOB texts CONFIGURE_DEPENDS ${ENT_KINDS_DIR}/catalogue/*.json)
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/kinds_catalogue.c)
  add_custom_command(OUTPUT ${generated}
    COMMAND ${CMAKE_COMMAND} -DOUT=${generated} "-DTEXTS=${texts}"
      -P ${ENT_KINDS_DIR}/embed_texts.cmake
    DEPENDS ${texts} ${ENT_KINDS_DIR}/embed_texts.cmake
    COMMENT "Embedding the catalogue of record kinds" VERBATIM)
  target_sources(${target} PRIVATE ${generated})
endfunction()

if(TARGET entente_node)
  ent_embed_catalogue(entente_node)
endif()
