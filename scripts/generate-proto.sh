#!/bin/sh
# Generates proto/grain.ts from proto/grain.proto. Needs protoc (Debian: protobuf-compiler).
set -eu
cd "$(dirname "$0")/.."
protoc --plugin=node_modules/.bin/protoc-gen-ts_proto --ts_proto_out=proto --proto_path=proto \
  --ts_proto_opt=esModuleInterop=true,importSuffix=.js,env=both,oneof=unions,forceLong=number,outputServices=false,outputJsonMethods=false,outputPartialMethods=false,useOptionals=none,unrecognizedEnum=false,removeEnumPrefix=true,outputTypeRegistry=false,useExactTypes=false \
  proto/grain.proto
