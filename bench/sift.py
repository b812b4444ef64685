"""Registers two gray images by SIFT with RANSAC (OpenCV): a peer of `doppel register evaluate --sift bench/sift.py`.

Reads one line of JSON, {"sar": [width, height], "optical": [width, height], "margin", "search", "turned"}, then both
images as bytes, row by row. Prints {"matrix": [a, b, c, d, e, f] or null}: pixels of the optical image to pixels of the SAR
image, x' = a + b x + c y, y' = d + e x + f y.
"""
import json
import sys

import cv2
import numpy as np

RATIO, GATE, FEWEST, MOST = 0.9, 3.0, 4, 5000


def image(size):
    width, height = size
    return np.frombuffer(sys.stdin.buffer.read(width * height), np.uint8).reshape(height, width)


def matches(sar, optical):
    """Places in the optical and in the SAR image whose descriptors are nearest, by Lowe's ratio test."""
    sift = cv2.SIFT_create(nfeatures=MOST, contrastThreshold=0.01)
    (a, da), (b, db) = sift.detectAndCompute(optical, None), sift.detectAndCompute(sar, None)
    if da is None or db is None or len(a) < 2 or len(b) < 2:
        return np.zeros((0, 4))
    best = [pair for pair in cv2.BFMatcher().knnMatch(da, db, k=2) if len(pair) == 2]
    kept = [m for m, n in best if m.distance < RATIO * n.distance]
    # OpenCV counts from the middle of the first pixel.
    return np.array([(*a[m.queryIdx].pt, *b[m.trainIdx].pt) for m in kept]).reshape(-1, 4) + 0.5


def shift(found):
    """The offset near which most matches lie, and their mean."""
    offsets = found[:, 2:] - found[:, :2]
    near = np.hypot(*(offsets[:, None] - offsets[None]).transpose(2, 0, 1)) < GATE
    most = near.sum(1)
    if most.max() < FEWEST:
        return None
    dx, dy = offsets[near[most.argmax()]].mean(0)
    return [dx, 1, 0, dy, 0, 1]


def similarity(found):
    optical, sar = (np.ascontiguousarray(places) for places in (found[:, :2], found[:, 2:]))
    matrix, inliers = cv2.estimateAffinePartial2D(
        optical, sar, method=cv2.RANSAC, ransacReprojThreshold=GATE, maxIters=10000, confidence=0.999
    )
    if matrix is None or inliers.sum() < FEWEST:
        return None
    (b, c, a), (e, f, d) = matrix
    return [a, b, c, d, e, f]


def main():
    task = json.loads(sys.stdin.buffer.readline())
    sar, optical = image(task["sar"]), image(task["optical"])
    found = matches(sar, optical)
    moved = np.abs(found[:, 2:] - found[:, :2] + task["margin"]).max(1, initial=0)
    found = found[moved <= task["search"]]
    fit = similarity if task["turned"] else shift
    matrix = fit(found) if len(found) >= FEWEST else None
    print(json.dumps({"matrix": None if matrix is None else [float(each) for each in matrix]}))


main()
