"""VUS-PR as aeon 1.6.0 has it (aeon/benchmarking/metrics/anomaly_detection/_vus_metrics.py): what ours is held against.

Copied line by line without its docstrings and its ROC half. aeon itself is no test dependency: it asks for numba below
0.64 and with it for a numpy older than the one pinned here, and for 500 MB of pandas, scipy, scikit-learn and LLVM.

BSD 3-Clause License

Copyright (c) The aeon developers.
Copyright (c) 2022 The sktime developers.

All rights reserved.

Redistribution and use in source and binary forms, with or without
modification, are permitted provided that the following conditions are met:

* Redistributions of source code must retain the above copyright notice, this
  list of conditions and the following disclaimer.

* Redistributions in binary form must reproduce the above copyright notice,
  this list of conditions and the following disclaimer in the documentation
  and/or other materials provided with the distribution.

* Neither the name of the copyright holder nor the names of its
  contributors may be used to endorse or promote products derived from
  this software without specific prior written permission.

THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS"
AND ANY EXPRESS OR IMPLIED WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE
IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE
DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT HOLDER OR CONTRIBUTORS BE LIABLE
FOR ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL
DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR
SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER
CAUSED AND ON ANY THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY,
OR TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE
OF THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.
"""

# mypy: ignore-errors
# ruff: noqa: B905

from typing import Any

import numpy as np


def _anomaly_bounds(y_true):
    # convert to boolean/binary
    labels = y_true > 0
    # deal with start and end of time series
    labels = np.diff(np.r_[0, labels, 0])
    # extract begin and end of anomalous regions
    index = np.arange(0, labels.shape[0])
    starts = index[labels == 1]
    ends = index[labels == -1]
    return starts, ends


def _extend_anomaly_labels(y_true, buffer_size=None):
    starts, ends = _anomaly_bounds(y_true)

    if buffer_size is None:
        # per default: set buffer size as median anomaly length:
        buffer_size = int(np.median(ends - starts))

    if buffer_size <= 1:
        anomalies = np.array(list(zip(starts, ends - 1)))
        return y_true.astype(np.float64), anomalies

    y_true_cont = y_true.astype(np.float64)
    slope_length = buffer_size // 2
    length = y_true_cont.shape[0]
    for s, e in zip(starts, ends):
        e -= 1
        x1 = np.arange(e, min(e + slope_length, length))
        y_true_cont[x1] += np.sqrt(1 - (x1 - e) / buffer_size)
        x2 = np.arange(max(s - slope_length, 0), s)
        y_true_cont[x2] += np.sqrt(1 - (s - x2) / buffer_size)
    y_true_cont = np.clip(y_true_cont, 0, 1)
    starts, ends = _anomaly_bounds(y_true_cont)
    anomalies = np.array(list(zip(starts, ends - 1)))

    return y_true_cont, anomalies


def _uniform_threshold_sampling(y_score):
    # magic number from original implementation
    n_samples = 250
    thresholds = np.sort(y_score)[::-1]
    thresholds = thresholds[np.linspace(0, thresholds.shape[0] - 1, n_samples, dtype=np.int_)]
    return thresholds


def range_pr_auc_support(y_true, y_score, buffer_size=None):
    y_true_cont, anomalies = _extend_anomaly_labels(y_true, buffer_size)
    thresholds = _uniform_threshold_sampling(y_score)
    p = np.average([np.sum(y_true), np.sum(y_true_cont)])

    recalls = np.zeros(thresholds.shape[0] + 2)  # tprs
    precisions = np.ones(thresholds.shape[0] + 1)

    for i, t in enumerate(thresholds):
        y_pred = y_score >= t
        product = y_true_cont * y_pred
        tp = np.sum(product)

        existence_reward = [np.sum(product[s : e + 1]) > 0 for s, e in anomalies]
        existence_reward = np.sum(existence_reward) / anomalies.shape[0]

        recall = min(tp / p, 1) * existence_reward  # = tpr
        precision = tp / np.sum(y_pred)

        recalls[i + 1] = recall
        precisions[i + 1] = precision

    recalls[-1] = 1

    range_pr_auc = np.sum((recalls[1:-1] - recalls[:-2]) * (precisions[1:] + precisions[:-1]) / 2)
    return range_pr_auc


def range_pr_vus_score(y_true: Any, y_score: Any, max_buffer_size: int = 500) -> Any:
    prs = np.zeros(max_buffer_size + 1)
    for buffer_size in np.arange(0, max_buffer_size + 1):
        pr_auc = range_pr_auc_support(y_true, y_score, buffer_size=buffer_size)
        prs[buffer_size] = pr_auc
    range_pr_volume = np.sum(prs) / (max_buffer_size + 1)
    return range_pr_volume
