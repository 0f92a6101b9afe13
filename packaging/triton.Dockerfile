# The server's image with what models need on its Python backend too: NVIDIA's release, ONNX Runtime for its GPUs
# (CUDA 13, as the release has) and numpy 1.
#
#   docker build --tag perigee-triton:26.09 --file packaging/triton.Dockerfile packaging
#
# Then set inference.triton.image to perigee-triton:26.09. NVIDIA's image alone serves the same models with its own
# ONNX Runtime backend. For a build that is the same to the byte, give the release by its digest:
#
#   --build-arg RELEASE=nvcr.io/nvidia/tritonserver@sha256:...
ARG RELEASE=nvcr.io/nvidia/tritonserver:26.09-py3
FROM ${RELEASE}

RUN pip install --no-cache-dir --break-system-packages numpy==1.26.4 onnxruntime-gpu==1.31.1

# Perigee names the user itself; whoever starts the image by hand gets no root either.
USER 1000:1000
