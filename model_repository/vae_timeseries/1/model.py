"""Runs this folder's model.onnx with ONNX Runtime inside Triton's Python backend. Needs no part of Perigee."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when ONNX Runtime is imported

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """One instance of the model, on one thread."""

    def initialize(self, args):
        path = os.path.join(args["model_repository"], args["model_version"], "model.onnx")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        provider, settings = "CPUExecutionProvider", {}
        if args.get("model_instance_kind") == "GPU":
            # fp32 stays fp32: with TF32 the scores of a GPU would part from those of the CPU.
            provider = "CUDAExecutionProvider"
            settings = {"device_id": args["model_instance_device_id"], "use_tf32": "0"}
        if provider not in onnxruntime.get_available_providers():
            raise RuntimeError("ONNX Runtime has no CUDA here: install onnxruntime-gpu for this server")
        self.session = onnxruntime.InferenceSession(path, options, providers=[(provider, settings)])
        self.input = self.session.get_inputs()[0].name

    def execute(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        try:
            window = pb_utils.get_input_tensor_by_name(request, self.input).as_numpy()
            names = list(request.requested_output_names())
            values = self.session.run(names, {self.input: np.ascontiguousarray(window, dtype=np.float32)})
            tensors = [pb_utils.Tensor(name, value) for name, value in zip(names, values)]
            return pb_utils.InferenceResponse(output_tensors=tensors)
        except Exception as problem:
            return pb_utils.InferenceResponse(output_tensors=[], error=pb_utils.TritonError(str(problem)))

    def finalize(self):
        self.session = None
