"""Files of weights: found, told apart, read and written. Importing this imports no torch.

library   resolve, resolve_series   names, paths, folders, samples, URLs → files     no torch
download  fetch                     files from the web, kept in a cache              no torch
hub       fetch_from_hub            files from the Hugging Face Hub                  no torch
wrapping  unwrapped                 gzip and zip around a checkpoint                 no torch
formats   sniff, FORMATS            a file → the name of its format                  no torch
header    read_header               what one of our own files says about itself      no torch
load      load                      any known file → Generator
native    save, read                our own .safetensors
delta     added, save_delta         a network as what sets it apart from another
nvlabs    read                      NVIDIA's PyTorch pickles
rosinality  read                    rosinality's .pt
unpickle, standins                  pickles as data, by an allow-list
"""
